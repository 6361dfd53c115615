"""How fast is it, beside what else? Measurements on a stack of their own, self-stopping."""
