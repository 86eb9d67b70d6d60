"""What is there only inside the component."""
