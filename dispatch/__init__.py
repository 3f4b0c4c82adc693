"""What should happen to a ticket: the nouns, the lifecycle, working time, deadlines, routing and appraisal.

Pure: values in, values out, errors raised. Nothing here knows the time, the database or the language of a page.
"""
