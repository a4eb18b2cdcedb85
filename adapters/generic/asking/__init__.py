"""What drivers share on the way to an answer: requests as a manifest declares them, pages, answers in JSON."""
