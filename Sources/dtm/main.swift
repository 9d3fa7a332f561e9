print("dtm")
