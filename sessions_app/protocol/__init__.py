"""The live socket as it is documented: messages, codes, examples, the AsyncAPI document."""
