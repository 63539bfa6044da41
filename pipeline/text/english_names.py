"""English words that are always written with a capital, in lower case.

Only words with no common lower-case meaning: "may", "mark" and "will" are left
to the translator, which tries an unknown word again as a name.
"""

from __future__ import annotations

CALENDAR_AND_DEMONYMS = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday
    january february april june july august september october november december
    christmas easter halloween thanksgiving
    english french spanish german italian portuguese dutch russian chinese japanese korean
    arabic greek latin turkish swedish norwegian danish finnish irish scottish welsh british
    american canadian mexican brazilian argentine australian indian african european asian
    americans canadians mexicans brazilians australians indians africans europeans asians germans
    italians russians
    """.split()
)
"""Those that most other languages write small."""

ENGLISH_NAMES = CALENDAR_AND_DEMONYMS | frozenset(
    """
    america canada mexico brazil argentina chile peru colombia cuba england scotland ireland wales
    britain france spain portugal italy germany austria switzerland belgium holland netherlands
    sweden norway denmark finland poland russia ukraine greece egypt israel iran iraq india china
    japan korea vietnam australia africa europe asia catalonia galicia
    london paris madrid barcelona rome milan berlin vienna moscow dublin edinburgh lisbon brussels
    amsterdam athens geneva washington boston chicago texas california florida jersey york
    philadelphia hollywood manhattan brooklyn toronto sydney tokyo beijing
    john james robert michael david william richard joseph thomas charles christopher daniel
    matthew anthony steven paul andrew kenneth kevin brian george edward ronald timothy jason
    jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin
    samuel gregory alexander patrick dennis jerry tyler aaron adam henry nathan peter zachary kyle
    walter harold carl arthur roger lawrence albert philip
    mary patricia jennifer linda elizabeth barbara susan jessica sarah karen nancy lisa betty
    margaret sandra ashley kimberly emily donna michelle carol amanda dorothy melissa deborah
    stephanie rebecca sharon laura cynthia kathleen amy angela shirley anna emma diane sheila
    helen katherine rachel carolyn janet catherine maria heather julia marianne elinor
    """.split()
)
