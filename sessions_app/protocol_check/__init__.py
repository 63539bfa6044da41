"""Drives a running server through every message of the socket protocol, step by step.

``probe`` is a connection that waits with a bound, ``steps_*`` are the steps, one small
function each, ``run`` does them in order. A step is added by writing a function and
naming it in its module's list.
"""
