"""The portal's pages about sessions."""
