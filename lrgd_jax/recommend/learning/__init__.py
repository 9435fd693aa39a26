"""The few meta-parameters, learned through the dual."""
