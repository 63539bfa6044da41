"""What engines were used for: counted, limited, settled and told."""
