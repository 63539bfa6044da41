from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.committing.committer import CommitRules, Committer
from pipeline.types import Clause, Hypothesis, Word


def words(text: str, start_s: float = 0.0, word_s: float = 0.3, gap_s: float = 0.02) -> list[Word]:
    out = []
    for token in text.split():
        out.append(Word(token, start_s, start_s + word_s))
        start_s += word_s + gap_s
    return out


def growing(all_words: list[Word], *, utterance: int = 0) -> list[Hypothesis]:
    """What a recogniser that never changes its mind says while the words come."""
    steps = [
        Hypothesis(utterance, tuple(all_words[: count + 1]), word.end_s)
        for count, word in enumerate(all_words)
    ]
    end = all_words[-1].end_s
    return [*steps, Hypothesis(utterance, tuple(all_words), end + 0.3, is_final=True)]


def run(hypotheses: list[Hypothesis], rules: CommitRules | None = None) -> list[Clause]:
    committer = Committer(rules)
    return [clause for hypothesis in hypotheses for clause in committer.update(hypothesis)]


def test_an_endpoint_commits_everything_that_is_left() -> None:
    clauses = run([Hypothesis(0, tuple(words("good morning")), 0.7, is_final=True)])
    assert [clause.text for clause in clauses] == ["good morning"]
    assert clauses[0].ends_utterance


def test_a_sentence_mark_commits_before_the_endpoint() -> None:
    spoken = words("This is the first. And this is another one that goes on")
    clauses = run(growing(spoken)[:-1])
    assert clauses[0].text == "This is the first."
    assert not clauses[0].ends_utterance


def test_a_comma_commits_only_a_long_enough_clause() -> None:
    short = run(growing(words("Well then, I will go now"))[:-1])
    long = run(growing(words("When the morning came at last, we went home again"))[:-1])
    assert short == []
    assert long[0].text == "When the morning came at last,"


def test_continuous_speech_is_cut_without_any_silence_or_mark() -> None:
    text = "the river runs along the valley and turns south near a mill that nobody owns " * 4
    clauses = run(growing(words(text))[:-1])
    assert len(clauses) >= 4
    assert max(clause.end_s - clause.start_s for clause in clauses) <= CommitRules().max_s


def test_a_pause_is_preferred_to_a_cut_between_joined_words() -> None:
    first = words("he looked at me for a while", word_s=0.25)
    rest = words("then he turned around and left the room at once", start_s=first[-1].end_s + 0.25)
    clauses = run(growing(first + rest)[:-1])
    assert clauses[0].text == "he looked at me for a while"


def test_the_newest_words_are_held_back() -> None:
    spoken = words("one more thing that I wanted to say to you before you go away again")
    committer = Committer()
    committed = 0
    for count in range(1, len(spoken) + 1):
        hypothesis = Hypothesis(0, tuple(spoken[:count]), spoken[count - 1].end_s)
        for clause in committer.update(hypothesis):
            committed += 1
            assert clause.words[-1] in spoken[: count - CommitRules().hold_back_words]
    assert committed


def test_what_was_committed_is_never_rewritten_by_the_final() -> None:
    spoken = words("the old house stands on a hill that looks over the wide blue sea today")
    partial = growing(spoken)[:-1]
    rewritten = [Word("a" + word.text, word.start_s, word.end_s) for word in spoken]
    final = Hypothesis(0, tuple(rewritten), spoken[-1].end_s + 0.3, is_final=True)
    clauses = run([*partial, final])
    committed = clauses[0]
    assert committed.text == " ".join(word.text for word in spoken[: len(committed.words)])
    assert clauses[-1].start_s >= committed.end_s - 1e-9
    assert sum(len(clause.words) for clause in clauses) == len(spoken)


def test_an_older_utterance_is_ignored() -> None:
    committer = Committer()
    committer.update(Hypothesis(3, tuple(words("good evening")), 1.0, is_final=True))
    assert committer.update(Hypothesis(2, tuple(words("too late")), 1.0, is_final=True)) == []


vocabulary = st.sampled_from(
    ["a", "and", "river", "morning,", "house.", "which", "understanding", "is", "no!", "blue"]
)


@st.composite
def moving_hypotheses(draw: st.DrawFn) -> tuple[list[Hypothesis], int]:
    """Hypotheses whose newest words still change, ending with a final."""
    count = draw(st.integers(1, 40))
    spoken, at = [], 0.0
    for _ in range(count):
        length = draw(st.floats(0.05, 0.8))
        spoken.append(Word(draw(vocabulary), at, at + length))
        at += length + draw(st.sampled_from([0.0, 0.03, 0.15, 0.5]))
    hypotheses = []
    for end in range(1, count + 1):
        shown = list(spoken[:end])
        if draw(st.booleans()):
            last = shown[-1]
            shown[-1] = Word(draw(vocabulary), last.start_s, last.end_s)
        hypotheses.append(Hypothesis(0, tuple(shown), spoken[end - 1].end_s))
    hypotheses.append(Hypothesis(0, tuple(spoken), at + 0.3, is_final=True))
    return hypotheses, count


@given(moving_hypotheses())
def test_every_word_position_is_committed_exactly_once_and_in_order(
    case: tuple[list[Hypothesis], int],
) -> None:
    hypotheses, count = case
    clauses = run(hypotheses)
    committed = [word for clause in clauses for word in clause.words]
    assert [word.start_s for word in committed] == [word.start_s for word in hypotheses[-1].words]
    assert len(committed) == count
    assert all(clause.words for clause in clauses)


@given(st.integers(0, 12))
def test_words_that_another_committer_had_are_left_out(had: int) -> None:
    spoken = words("we walked along the river and nobody said a word all day")
    after_s = spoken[had - 1].end_s if had else None
    committer = Committer(after_s=after_s)
    clauses = [clause for one in growing(spoken, utterance=4) for clause in committer.update(one)]
    assert [word for clause in clauses for word in clause.words] == spoken[had:]


@given(word_s=st.floats(0.25, 0.6), late_s=st.floats(0.0, 0.3))
def test_what_is_cut_out_of_running_speech_was_foreseen_as_it_is_cut(
    word_s: float, late_s: float
) -> None:
    """However seldom hypotheses come: a word at a time, some time after it was said."""
    committer = Committer()
    foreseen: list[list[Clause]] = []
    spoken = words(" ".join(f"word{number}" for number in range(40)), word_s=word_s, gap_s=0.0)
    cuts = 0
    for hypothesis in growing(spoken)[:-1]:
        said = Hypothesis(0, hypothesis.words, hypothesis.decoded_s + late_s)
        for clause in committer.update(said):
            cuts += 1
            # The first is cut before it is known how often hypotheses come.
            if cuts > 1:
                assert clause in foreseen[-1]
        foreseen.append(committer.foresee(said.decoded_s))
    assert cuts > 2
