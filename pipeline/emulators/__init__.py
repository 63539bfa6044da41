"""Local stand-ins that speak the vendors' real protocols, for tests and load runs.

Serving code never imports them: a product that runs on an emulated cloud reaches it over
the network, through the vendors' own clients.
"""
