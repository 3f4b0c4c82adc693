"""The pages: HTML in plain Chinese, complete without scripts. They translate and call; they decide nothing."""
