"""The pages of `status`: HTML drawn from the same dictionaries that its JSON is made of."""
