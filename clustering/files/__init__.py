"""Files as programs and offices write them: text with columns, workbooks and Parquet, told by their content.

What is recognised is said in words; what can be read in two ways is refused.
"""
