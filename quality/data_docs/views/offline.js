// Without libraries: the other language, only what failed, folded parts, a filter for long lists.
(function () {
  var root = document.documentElement, key = "guike-language";
  function speak(language) { root.className = language; root.lang = language; }
  try { speak(localStorage.getItem(key) || root.lang); } catch (error) { /* a browser that keeps nothing */ }
  document.getElementById("language").addEventListener("click", function () {
    var other = root.className === "zh" ? "en" : "zh";
    speak(other);
    try { localStorage.setItem(key, other); } catch (error) { /* it is shown all the same */ }
  });
  document.querySelectorAll("[data-show]").forEach(function (button) {
    button.addEventListener("click", function () {
      document.querySelectorAll("[data-show]").forEach(function (one) { one.classList.toggle("on", one === button); });
      document.body.classList.toggle("only-failed", button.dataset.show === "failed");
    });
  });
  document.querySelectorAll('[data-toggle="collapse"]').forEach(function (link) {
    link.addEventListener("click", function (event) {
      event.preventDefault();
      document.getElementById(link.getAttribute("href").slice(1)).classList.toggle("show");
    });
  });
  document.querySelectorAll("tr[data-href]").forEach(function (row) {
    row.addEventListener("click", function (event) {
      if (!event.target.closest("a")) { window.location = row.dataset.href; }
    });
  });
  document.querySelectorAll("input.filter").forEach(function (field) {
    var rows = field.nextElementSibling.tBodies[0].rows;
    field.addEventListener("input", function () {
      var words = field.value.toLowerCase().split(/\s+/);
      Array.prototype.forEach.call(rows, function (row) {
        var text = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
      });
    });
  });
  document.querySelectorAll(".ge-section").forEach(function (section) {
    var rules = section.querySelectorAll("td i.fas");
    if (rules.length && !section.querySelector("td i.fa-times")) { section.classList.add("all-right"); }
  });
})();
