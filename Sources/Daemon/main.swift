print("healer")
