print("healer-chaos")
