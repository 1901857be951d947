"""What passes between the course and a learning platform: class lists, archives of hand-ins, archives of feedback."""
