"""What the linter says: what is wrong, where, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass


class TrainingWarning(UserWarning):
    """Something about a training loop that is probably a mistake."""


@dataclass(frozen=True)
class Finding:
    """One thing that is probably a mistake."""

    name: str  # which check it is of: "softmax", "zero_grad", "eval", "labels", "inputs", "frozen", "unused", …
    what: str
    where: str
    fix: str

    def __str__(self) -> str:
        return f"{self.what} [{self.where}]. Fix: {self.fix}"


class Findings(list[Finding]):
    """What was found, worst first; printed, a paragraph each."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        super().__init__(findings)

    @property
    def names(self) -> list[str]:
        return [finding.name for finding in self]

    def __str__(self) -> str:
        if not self:
            return "Nothing found."
        return "\n".join(f"{n}. {f.what}\n   where: {f.where}\n   fix:   {f.fix}" for n, f in enumerate(self, 1))

    def __repr__(self) -> str:
        return f"<{len(self)} finding{'s' * (len(self) != 1)}: {', '.join(self.names)}>" if self else "<no findings>"
