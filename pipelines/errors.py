"""The one exception that a user of Guike is meant to read.

Comes in: what is wrong and where, and what to do about it, both already in the user's language
(wrap the text in `pipelines.i18n.t`). Goes out: `str(error)` with both, and a non-zero exit of the CLI.
Anything else that escapes is a defect of Guike and is shown with its traceback.
"""


class GuikeError(Exception):
    """Something the user can mend.

    Args:
        what: the place (file, table, row, column) and what is wrong with it.
        remedy: what to do next, as an instruction.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n  → {remedy}")
        self.what = what
        self.remedy = remedy
