"""Projects: a file or a session's record that is dubbed line by line, edited and exported.

``uploads`` and ``fetching`` bring the file; ``jobs`` cuts work into parts that any worker takes,
and ``steps`` is what each part does; ``editing`` changes lines, ``exporting`` writes files of
them. The pure half is ``pipeline.batch``.
"""
