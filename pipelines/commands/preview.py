"""What would change if two customers were one."""


def preview_merge(a: str, b: str) -> None:
    """What would change if two customers were one."""
