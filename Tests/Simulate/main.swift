print("healer-simulate")
