"""What Switchman runs on: Google Cloud, and the one-machine world."""
