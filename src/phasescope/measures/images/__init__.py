"""Of what was painted: is it right, or a copy?"""
