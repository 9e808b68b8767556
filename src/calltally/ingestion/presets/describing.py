"""A preset in words, for help texts and documentation."""

from collections.abc import Iterator

from calltally.ingestion.presets.types import Elapsed, From, Legs, Meaning, Money, Preset, Said, Seconds, Times, Words

__all__ = ["described", "described_legs", "described_meaning"]


def described(preset: Preset) -> Iterator[tuple[str, str]]:
    """Each field that a preset reads, and from what."""
    for row in preset.fields:
        yield row.field, "; else ".join(map(_source, row.sources))


def described_legs(legs: Legs) -> str:
    """What rows of one call come to, in a sentence."""
    facts = ["each field is what the leg that started first says, else the next"]
    if legs.by_best:
        best = f"one that is {' or else '.join(legs.best)}, then the longest" if legs.best else "the longest"
        of_parts = f" with `{legs.parts.of}`" if legs.parts else ""
        they = "are those" if len(legs.by_best) > 1 else "is that"
        facts.append(f"{_listed(legs.by_best)} {they} of the best leg{of_parts} ({best})")
    if legs.summed:
        without = f", where a row without `{legs.parts.of}` is among them" if legs.parts else ""
        facts.append(f"{_listed(legs.summed)} is added up, of each row in whole cents{without}")
    return "; ".join(facts)


def described_meaning(meaning: Meaning | None) -> str:
    """What values mean, in brackets behind the name of their column; '' where there is nothing to say."""
    match meaning:
        case None:
            return ""
        case Words():
            return f" ({_words(meaning)})" if meaning.meanings else ""
        case Said():
            return f" (if there is one: {meaning.word})"
        case Money():
            return " (decimal, in cents; what is below zero was paid)" if meaning.negated else " (decimal, in cents)"
        case Seconds():
            nothing = f"; {', '.join(meaning.nothing)} → nothing" if meaning.nothing else ""
            return f" (seconds, `1:02:03` or `2m 15s`{nothing})"
        case Times():
            facts = [f"also {', '.join(f'`{each}`' for each in meaning.formats)}"] if meaning.formats else []
            facts += ["UTC without an offset"] if meaning.utc else []
            return f" ({'; '.join(facts)})" if facts else ""
        case Elapsed():
            return f" (seconds since `{meaning.since}`)"


def _source(source: From) -> str:
    limits = ""
    if source.where:
        limits = f" in rows with `{source.where}`"
    if source.unless:
        limits = f" in rows without `{source.unless}`"
    return f"`{source.column}`{described_meaning(source.meaning)}{limits}"


def _words(meaning: Words) -> str:
    """The words that become others, grouped by what they become."""
    changed: dict[str, list[str]] = {}
    for word, other in meaning.meanings.items():
        if word != other:
            changed.setdefault(other or "nothing", []).append(word)
    told = "; ".join(f"{', '.join(words)} → {other}" for other, words in changed.items())
    return told or ", ".join(meaning.meanings)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
