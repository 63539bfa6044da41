"""A whole file dubbed by many workers: each step of it as plain functions of its own part.

A file is cut into stretches at its silences (``cutting``); each is heard (``hearing``), who
says what is settled over all of it (``people``), and each line is spoken and made to fit its
place (``speaking``, ``fitting``). ``placing`` puts the lines on the time line, ``checking`` says
what somebody should listen to again.
"""
