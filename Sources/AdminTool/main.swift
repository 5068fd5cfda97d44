print("healerctl")
