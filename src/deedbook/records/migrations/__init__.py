"""The records' migrations, run by `deedbook.records.store` and never by hand."""
