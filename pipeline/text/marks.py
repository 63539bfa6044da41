"""The marks that end a sentence or a clause, in the scripts that the engines write."""

SENTENCE_MARKS = frozenset(".?!…。？！")
CLAUSE_MARKS = frozenset(",;:—，、；：")
