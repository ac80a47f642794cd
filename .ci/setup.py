"""Make `.venv` from the lock, for whoever calls `make`.

Comes in: requirements.txt (the lock, with hashes) and pyproject.toml. Goes out: `.venv` with exactly those
packages, their bytecode, and Guike itself in editable form. A stamp in `.venv` holds the hash of all that
went in: while it is unchanged nothing is done, and a set-up that was interrupted has no stamp and is
simply repeated. Nothing outside the project folder is written, the caches of pip and uv aside.

Only the standard library, and no syntax newer than Python 3.6, so that an old Python can say that it is old.
"""

import hashlib
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "guike.stamp")
LOCK = os.path.join(ROOT, "requirements.txt")
BIN = os.path.join(VENV, "bin")
PYTHON = os.path.join(BIN, "python")


def main():
    """Set up when something has changed; the exit code is make's."""
    check_python()
    wanted = fingerprint()
    if os.path.exists(PYTHON) and read(STAMP) == wanted:
        return
    say("Setting up .venv from the lock; this happens once.", "正在按锁定文件建立 .venv，只需一次。")
    remove(STAMP)
    make_venv()
    uv = find_uv()
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    target = quiet + ["--python", PYTHON]
    run([uv, "pip", "sync"] + target + ["--require-hashes", "--compile-bytecode", LOCK])
    # The build backend is in the lock, so building needs no download and no isolation.
    run([uv, "pip", "install"] + target + ["--no-deps", "--no-build-isolation", "--editable", ROOT])
    with open(STAMP + ".new", "w") as file:
        file.write(wanted)
    os.replace(STAMP + ".new", STAMP)


def check_python():
    """Refuse a Python that the lock is not made for."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    fail(
        "Guike needs Python {}.{} to {}.{}; this is {} ({}).".format(
            *(OLDEST + NEWEST + (sys.version.split()[0], sys.executable))
        ),
        "Install one of them, or name it: make PYTHON=/path/to/python3.12",
        "归客需要 Python {}.{} 至 {}.{}。请安装其中之一，或指明路径：make PYTHON=/路径/python3.12".format(
            *(OLDEST + NEWEST)
        ),
    )


def fingerprint():
    """A hash of all that decides what `.venv` holds, the folder included: a moved venv doesn't work."""
    digest = hashlib.sha256()
    for part in (read(LOCK), read(os.path.join(ROOT, "pyproject.toml")), sys.version, ROOT):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def make_venv():
    """Make an empty `.venv`, unless a sound one of this Python version is there."""
    version = "{}.{}".format(*sys.version_info[:2])
    if os.path.exists(PYTHON):
        probe = [PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        found = subprocess.run(probe, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        if found.stdout.decode().strip() == version:
            return
    if os.path.exists(VENV) and not os.path.exists(os.path.join(VENV, "pyvenv.cfg")):
        fail(
            "{} is there, but is not a virtual environment.".format(VENV),
            "Move it away, then run make again.",
            "它不是虚拟环境，请移走后重新执行 make。",
        )
    shutil.rmtree(VENV, ignore_errors=True)
    uv = shutil.which("uv")
    if uv:
        run([uv, "venv", "--quiet", "--python", sys.executable, VENV])
        return
    made = subprocess.run([sys.executable, "-m", "venv", VENV], check=False)
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        fail(
            "Python could not make a virtual environment.",
            "On Debian and Ubuntu: sudo apt-get install python{}-venv, then run make again.".format(version),
            "Debian 与 Ubuntu 请先安装 python{}-venv，再重新执行 make。".format(version),
        )


def find_uv():
    """The machine's uv, or one that is installed into `.venv`."""
    uv = shutil.which("uv") or os.path.join(BIN, "uv")
    if not os.path.exists(uv):
        asked = [PYTHON, "-m", "pip", "--version"]
        if subprocess.run(
            asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        ).returncode:
            run([PYTHON, "-m", "ensurepip", "--default-pip"])
        run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv>=0.8,<1"])
    return uv


def pip_setting(name):
    """What this machine's pip.conf says about `name`, or None."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    pip = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    for line in pip.stdout.decode().splitlines():
        key, _, value = line.partition("=")
        if key in ("global." + name, "install." + name):
            return value.strip("'\"")
    return None


def environment():
    """The environment for uv: bytecode on, and pip's own package index where the machine has set one."""
    env = dict(os.environ)
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env.pop("VIRTUAL_ENV", None)
    if "UV_DEFAULT_INDEX" not in env and "UV_INDEX_URL" not in env:
        index = env.get("PIP_INDEX_URL") or pip_setting("index-url")
        if index:
            env["UV_DEFAULT_INDEX"] = index
    return env


def run(command):
    """Run `command`; a failure ends the set-up with its exit code."""
    done = subprocess.run(command, env=environment(), cwd=ROOT, check=False)
    if done.returncode != 0:
        fail(
            "The set-up stopped at: {}".format(" ".join(command)),
            "See the message above. Running make again goes on from here.",
            "安装在此中断，原因见上文。解决后重新执行 make 即可继续。",
        )


def read(path):
    """The text of a file, or the empty string when it isn't there."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def remove(path):
    """Delete a file, if it is there."""
    if os.path.exists(path):
        os.remove(path)


def say(english, chinese):
    """One line in both languages: the reader's isn't known before Guike is installed."""
    print("{}  {}".format(english, chinese), file=sys.stderr)


def fail(what, remedy, chinese):
    """Say what is wrong and what to do, and end."""
    print("{}\n  → {}\n  → {}".format(what, remedy, chinese), file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
