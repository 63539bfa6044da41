"""Offline translation measured: start, warm latency, quality with and without written form.

    python -m pipeline.benchmarks.translation [--pairs en-es,en-fr] [--rounds 10]

Quality is ranked on a few sentences with one reference each: read the
differences, not the absolute numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import time
from collections import Counter
from collections.abc import Sequence

from pipeline.ports import TranslationRequest
from pipeline.providers.offline.apertium_modes import installed_modes, routes
from pipeline.providers.offline.apertium_pipe import PipePool
from pipeline.providers.offline.stream_format import read_reply
from pipeline.providers.offline.tidying import tidy
from pipeline.providers.offline.translator import ApertiumTranslator
from pipeline.text import text_form

LANGUAGES = ("en", "es", "fr", "it", "pt", "ca")
SENTENCES = [
    line.split(" | ")
    for line in """\
Good morning, my name is John and I live in London. | Buenos días, me llamo John y vivo en Londres. | Bonjour, je m'appelle John et j'habite à Londres. | Buongiorno, mi chiamo John e vivo a Londra. | Bom dia, meu nome é John e eu moro em Londres. | Bon dia, em dic John i visc a Londres.
What do you want to eat today? | ¿Qué quieres comer hoy? | Que veux-tu manger aujourd'hui ? | Che cosa vuoi mangiare oggi? | O que você quer comer hoje? | Què vols menjar avui?
The train leaves at nine and we cannot wait. | El tren sale a las nueve y no podemos esperar. | Le train part à neuf heures et nous ne pouvons pas attendre. | Il treno parte alle nove e non possiamo aspettare. | O trem sai às nove e não podemos esperar. | El tren surt a les nou i no podem esperar.
I think this is the best book that I have read. | Creo que este es el mejor libro que he leído. | Je pense que c'est le meilleur livre que j'ai lu. | Penso che questo sia il miglior libro che ho letto. | Acho que este é o melhor livro que já li. | Crec que aquest és el millor llibre que he llegit.
Where did you buy that red car? | ¿Dónde compraste ese coche rojo? | Où as-tu acheté cette voiture rouge ? | Dove hai comprato quella macchina rossa? | Onde você comprou esse carro vermelho? | On vas comprar aquell cotxe vermell?
My brother works in a hospital near the river. | Mi hermano trabaja en un hospital cerca del río. | Mon frère travaille dans un hôpital près de la rivière. | Mio fratello lavora in un ospedale vicino al fiume. | Meu irmão trabalha em um hospital perto do rio. | El meu germà treballa en un hospital prop del riu.
We will talk about the problem on Monday. | Hablaremos del problema el lunes. | Nous parlerons du problème lundi. | Parleremo del problema lunedì. | Falaremos sobre o problema na segunda-feira. | Parlarem del problema dilluns.
Why is the door open? | ¿Por qué está abierta la puerta? | Pourquoi la porte est-elle ouverte ? | Perché la porta è aperta? | Por que a porta está aberta? | Per què és oberta la porta?
The children were playing in the garden when it started to rain. | Los niños estaban jugando en el jardín cuando empezó a llover. | Les enfants jouaient dans le jardin quand il a commencé à pleuvoir. | I bambini stavano giocando nel giardino quando ha iniziato a piovere. | As crianças estavam brincando no jardim quando começou a chover. | Els nens jugaven al jardí quan va començar a ploure.
I do not know the answer, but Mary can help us. | No sé la respuesta, pero Mary puede ayudarnos. | Je ne connais pas la réponse, mais Mary peut nous aider. | Non so la risposta, ma Mary può aiutarci. | Eu não sei a resposta, mas Mary pode nos ajudar. | No sé la resposta, però Mary ens pot ajudar.
She has lived in Germany for many years. | Ella ha vivido en Alemania durante muchos años. | Elle a vécu en Allemagne pendant de nombreuses années. | Lei ha vissuto in Germania per molti anni. | Ela viveu na Alemanha durante muitos anos. | Ella ha viscut a Alemanya durant molts anys.
The government said that the prices will rise this year. | El gobierno dijo que los precios subirán este año. | Le gouvernement a dit que les prix augmenteront cette année. | Il governo ha detto che i prezzi saliranno quest'anno. | O governo disse que os preços vão subir este ano. | El govern va dir que els preus pujaran aquest any.
""".splitlines()  # noqa: E501
]
GLOSSARY = {"John": "John", "Mary": "María", "book": "BOOK", "red car": "Ferrari"}


def spoken(text: str) -> str:
    """A sentence as a recogniser would write it."""
    kept = "".join(c for c in text.lower() if c.isalnum() or c in "' -")
    return " ".join(kept.split())


def tokens(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c in "'" else f" {c} " for c in text).split()


def _ngrams(items: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def bleu(outputs: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU-4 (Papineni et al. 2002), one reference, add-one above unigrams; 0 to 100."""
    matches, totals = [0] * 4, [0] * 4
    ours = theirs = 0
    for output, reference in zip(outputs, references, strict=True):
        got, wanted = tokens(output), tokens(reference)
        ours, theirs = ours + len(got), theirs + len(wanted)
        for n in range(4):
            found, there = _ngrams(got, n + 1), _ngrams(wanted, n + 1)
            matches[n] += (found & there).total()
            totals[n] += found.total()
    smooth = [0, 1, 1, 1]
    logs = [math.log((m + s) / (t + s)) for m, t, s in zip(matches, totals, smooth, strict=True)]
    return 100 * math.exp(sum(logs) / 4 + min(0.0, 1 - theirs / ours))


def chrf(outputs: Sequence[str], references: Sequence[str]) -> float:
    """Corpus chrF2 (Popović 2015): character 1- to 6-grams without spaces, beta 2; 0 to 100."""
    scores = []
    for n in range(1, 7):
        match = got = wanted = 0
        for output, reference in zip(outputs, references, strict=True):
            found = _ngrams(output.replace(" ", ""), n)
            there = _ngrams(reference.replace(" ", ""), n)
            match += (found & there).total()
            got += found.total()
            wanted += there.total()
        precision, recall = match / max(got, 1), match / max(wanted, 1)
        scores.append(5 * precision * recall / max(4 * precision + recall, 1e-9))
    return 100 * statistics.mean(scores)


def _column(language: str) -> list[str]:
    return [row[LANGUAGES.index(language)] for row in SENTENCES]


async def _translate_all(
    translator: ApertiumTranslator, texts: Sequence[str], source: str, target: str
) -> list[str]:
    return [await translator.translate(TranslationRequest(t, source, target)) for t in texts]


async def _translate_bare(texts: Sequence[str], source: str, target: str) -> list[str]:
    """The engine on the words as they are, its output tidied: what restoring is compared with."""
    pools = [PipePool(mode) for mode in routes(installed_modes())[source, target]]
    outputs = []
    try:
        for text in texts:
            translated = text
            for pool in pools:
                translated = read_reply(await pool.exchange(translated)).text
            outputs.append(tidy(translated, target, capitals=len(translated)))
    finally:
        for pool in pools:
            await pool.aclose()
    return outputs


async def latency(source: str, target: str, rounds: int) -> None:
    """Cold start and warm requests of one pair, alone in a fresh translator."""
    translator = ApertiumTranslator()
    try:
        began = time.perf_counter()
        await translator.prepare(source, target)
        start_ms = 1000 * (time.perf_counter() - began)
        texts = [spoken(text) for text in _column(source)]
        await _translate_all(translator, texts[:2], source, target)
        figures = []
        for glossary in ({}, GLOSSARY):
            spent_ms = []
            for text in texts * rounds:
                began = time.perf_counter()
                await translator.translate(TranslationRequest(text, source, target, glossary))
                spent_ms.append(1000 * (time.perf_counter() - began))
            spent_ms.sort()
            p95_ms = spent_ms[int(0.95 * len(spent_ms))]
            figures.append(f"{statistics.median(spent_ms):5.1f} /{p95_ms:5.1f}")
        route = "→".join(translator.route(source, target))
        print(f"{route:12} {start_ms:10.0f}   {figures[0]:>14}   {figures[1]:>14}")
    finally:
        await translator.aclose()


async def quality(source: str, target: str) -> None:
    """BLEU/chrF of written text, of raw recogniser words, and of those words restored."""
    translator = ApertiumTranslator()
    try:
        references = _column(target)
        written = await _translate_all(translator, _column(source), source, target)
        restored = await _translate_all(
            translator, [spoken(text) for text in _column(source)], source, target
        )
        raw = await _translate_bare([spoken(text) for text in _column(source)], source, target)
        cells = [
            f"{bleu(outputs, references):5.1f} /{chrf(outputs, references):5.1f}"
            for outputs in (written, raw, restored)
        ]
        # Without marks and capitals on either side: what restoring does for the words themselves.
        bare = [spoken(reference) for reference in references]
        cells += [
            f"{bleu(outputs, bare):5.1f} /{chrf(outputs, bare):5.1f}"
            for outputs in ([spoken(text) for text in raw], [spoken(text) for text in restored])
        ]
        route = "→".join(translator.route(source, target))
        print(f"{route:12} " + "  ".join(f"{cell:>14}" for cell in cells))
    finally:
        await translator.aclose()


def questions() -> None:
    """How often the restored final mark is the one that the sentence was written with."""
    for language in LANGUAGES:
        texts = _column(language)
        right = sum(text_form.restore(spoken(t), language)[-1] == t[-1] for t in texts)
        print(f"final mark {language}: {right}/{len(texts)}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", default="", help="for example en-es,en-fr; default: all")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    probe = ApertiumTranslator()
    asked = [tuple(pair.split("-")) for pair in arguments.pairs.split(",") if pair]
    pairs = asked or sorted(p for p in probe.pairs() if set(p) <= set(LANGUAGES))
    print("warm: ms per sentence, median / p95")
    print(f"{'route':12} {'start ms':>10}   {'plain':>14}   {'glossary':>14}")
    for source, target in pairs:
        await latency(source, target, arguments.rounds)
    print("\nBLEU / chrF; the last two columns compare words only")
    columns = ("written", "raw", "restored", "raw words", "restored words")
    print(f"{'route':12} " + "  ".join(f"{name:>14}" for name in columns))
    for source, target in pairs:
        if source == "en" or target == "en":
            await quality(source, target)
    questions()


if __name__ == "__main__":
    asyncio.run(main())
