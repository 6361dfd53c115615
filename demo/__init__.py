"""What does an evening at a casino look like as pushes, and does all of it arrive?"""
