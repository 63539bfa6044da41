"""A load test's clients and figures: many paced sessions over the real socket.

The clients run in processes of their own (``clients``), so that measuring does not
disturb what is measured; ``fleet`` starts them, ``watch`` looks at the server's
processes, ``figures`` makes numbers of what both say, ``report`` puts them in words.
"""
