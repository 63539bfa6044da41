"""What heavy work runs on: processes, threads, quietly imported libraries, ids for the logs."""
