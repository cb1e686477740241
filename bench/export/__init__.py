"""Networks as `.pte` files, ours against XNNPACK's, in one ExecuTorch program."""
