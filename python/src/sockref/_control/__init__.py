"""What owners and members say to each other: connections, messages, and questions from outside."""
