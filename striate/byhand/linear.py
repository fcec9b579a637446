"""The fully connected layer: the linear score of the lectures.

Source: D0, "1-layer neural net", s = Wx + b, for one x; here for the N of a batch. W is (outputs, inputs).
"""

from striate.byhand.einstein import einstein
from striate.byhand.operation import Array, Gradients, Operation


class Linear(Operation):
    """s[n, i] = W[i, D] x[n, D] + b[i].

    ds_i/dW_id = x_d, ds_i/db_i = 1 and ds_i/dx_d = W_id, hence, summed over all through which the loss is reached,

        dL/dW = dL/ds xᵀ:  dW[i, d] = ds[N, i] x[N, d]
        dL/db = dL/ds:     db[i]    = ds[N, i]
        dL/dx = Wᵀ dL/ds:  dx[n, d] = W[I, d] ds[n, I]

    >>> import numpy as np
    >>> Linear().forward(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([0.5]))
    array([[11.5]])
    """

    def forward(self, x: Array, W: Array, b: Array | None = None) -> Array:
        """x (N, D), W (K, D), b (K) to s (N, K). Raises SizeError if the D differ."""
        self.keep(x, W)
        if b is None:
            return einstein("s[n, i] = W[i, D] x[n, D]", W=W, x=x)
        return einstein("s[n, i] = W[i, D] x[n, D] + b[i]", W=W, x=x, b=b)

    def backward(self, ds: Array) -> Gradients:
        """dx (N, D), dW (K, D), db (K)."""
        x, W = self.kept
        return (
            einstein("dx[n, d] = W[I, d] ds[n, I]", W=W, ds=ds),
            einstein("dW[i, d] = ds[N, i] x[N, d]", ds=ds, x=x),
            einstein("db[i] = ds[N, i]", ds=ds),
        )
