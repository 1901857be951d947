"""The right answers to the exercises, as code to read: one module a notebook, NumPy only.

Function names are those of the exercises.  Notation is the lecture's: layers l = 1..L,
`z` = z_l the pre-activation, `a_prime` = a'_l = a'(z_l), `loss_grad` = L'_l = dLoss/dy_l.
"""
