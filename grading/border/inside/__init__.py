"""What runs on the student's side of the border: sent into the sandbox as files, together with `wire`.

Nothing here holds a secret and nothing here is trusted: student code shares a process with it and may rewrite it.
"""
