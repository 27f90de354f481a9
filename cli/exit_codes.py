"""What the command ends with: 0 is done, and click gives 2 for usage."""

EXIT_FAILED = 1
EXIT_SOME_FAILED = 3  # of many files
EXIT_INTERRUPTED = 130
