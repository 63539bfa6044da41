"""Sound apart from any run: decoding, measuring, changing its speed, a clip to try things on."""
