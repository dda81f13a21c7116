"""Errors a task may raise. The console shows str(error) alone, so that says it all."""

from __future__ import annotations


class TaskError(Exception):
    """What went wrong, where it was found, and what mends it, in one line.

    The text ends in `error.message`, which Digdag evaluates as a template before a handler runs: `${`
    is broken up, so that text from data can neither fail nor run there.

    >>> print(TaskError("no ${key}", where="a.yml:3", mend="add it"))
    no $ {key} | found in a.yml:3 | to mend: add it

    Args:
        problem: what went wrong, plain words.
        where: file:line, table or setting.
        mend: what the reader can do about it.
    """

    def __init__(self, problem: str, *, where: str, mend: str) -> None:
        super().__init__(unbraced(f"{problem} | found in {where} | to mend: {mend}"))
        self.problem, self.where, self.mend = problem, where, mend


def unbraced(text: str) -> str:
    """Break up every `${` of *text*, so that Digdag does not take it for a template.

    >>> unbraced("cost $5, ${x}")
    'cost $5, $ {x}'
    """
    return text.replace("${", "$ {")


def told_together(faults: list[str], *, where: str, mend: str) -> TaskError:
    """Return one error for several faults, one line each, in order.

    >>> print(told_together(["a.yml:2: x", "a.yml:9: y"], where="a.yml", mend="mend these lines"))
    2 faults | found in a.yml | to mend: mend these lines
      a.yml:2: x
      a.yml:9: y
    """
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = "".join(f"\n  {fault}" for fault in faults)
    return TaskError(count, where=where, mend=mend + lines)
