"""Which voice a speaker is dubbed with, how it is shaped after them, and where it is kept."""
