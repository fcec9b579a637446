"""The gradients that the lecture decks derive, and what D3 says of batch norm, by the layers by hand.

D0 to D4 are the decks as docs/errata.md names them; E4 and E24 are its rows.
"""

from math import e

import numpy as np
import pytest

from striate.byhand import (
    BatchNormalisation,
    Convolution,
    Graph,
    Linear,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    SquaredError,
    SquaredNorm,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(("base", "shares"), [(2, [0.97, 0.03]), (e, [0.9933, 0.0067])])
def test_softmax_of_4_and_minus_1_is_printed_to_base_2(base, shares):  # D1; E4
    made = Softmax(base).forward(np.array([[4, -1]]))
    np.testing.assert_allclose(made, [shares], atol=5e-3 if base == 2 else 5e-5)


def test_the_squared_length_of_wx_is_0_116_and_its_gradients_go_back():  # D3 names it; the numbers are cs231n's
    length = Graph({"q": (Linear(), "x", "W"), "f": (SquaredNorm(), "q")})
    f = length.run(x=np.array([[0.2, 0.4]]), W=np.array([[0.1, 0.5], [-0.3, 0.8]]))
    gradients = length.gradients()
    np.testing.assert_allclose(f, 0.116)
    np.testing.assert_allclose(length.values["q"], [[0.22, 0.26]])
    np.testing.assert_allclose(gradients["q"], [[0.44, 0.52]])
    np.testing.assert_allclose(gradients["W"], [[0.088, 0.176], [0.104, 0.208]])
    np.testing.assert_allclose(gradients["x"], [[-0.112, 0.636]])


def test_one_layer_with_the_squared_loss_has_the_lectures_gradients():  # D0; E24
    x, W, b, z = normal(4), normal(3, 4), normal(3), normal(3, seed=1)
    network = Graph({"s": (Linear(), "x", "W", "b"), "p": (Sigmoid(), "s"), "L": (SquaredError(), "p", "z")})
    network.run(x=x[None], W=W, b=b, z=z[None])
    ours = network.gradients()
    p = 1 / (1 + np.exp(-(W @ x + b)))
    ds = (1 - p) * p * -2 * (z - p)
    np.testing.assert_allclose(ours["p"][0], -2 * (z - p))
    np.testing.assert_allclose(ours["s"][0], ds)
    np.testing.assert_allclose(ours["W"], np.outer(ds, x))  # ∂L/∂W = ∂L/∂s xᵀ
    np.testing.assert_allclose(ours["b"], ds)
    np.testing.assert_allclose(ours["x"][0], W.T @ ds)


def test_one_layer_with_the_softmax_loss_has_p_minus_z():  # D0
    x, W, b, z = normal(4), normal(3, 4), normal(3), np.eye(3)[1]
    classifier = Graph({"s": (Linear(), "x", "W", "b"), "L": (SoftmaxCrossEntropy(), "s", "y")})
    classifier.run(x=x[None], W=W, b=b, y=np.array([1]))
    ours, powers = classifier.gradients(), np.exp(W @ x + b)
    p = powers / powers.sum()
    D = np.diag(p) - np.outer(p, p)  # D_ab = p_a (δ_ab − p_b)
    np.testing.assert_allclose(ours["s"][0], p - z)
    np.testing.assert_allclose(ours["s"][0], D @ (-z / p[1]))
    np.testing.assert_allclose(ours["W"], np.outer(p - z, x))


def test_the_program_of_two_layers_descends_as_it_is_printed():  # D0, "Full implementation"
    x, y, w1, w2 = normal(64, 100), normal(64, 10, seed=1), normal(100, 20, seed=2), normal(20, 10, seed=3)
    layers = {"s": (Linear(), "x", "W1"), "h": (Sigmoid(), "s"), "y_pred": (Linear(), "h", "W2")}
    network = Graph(layers | {"loss": (SquaredError(), "y_pred", "y")})
    for _ in range(5):
        h = 1 / (1 + np.exp(-x.dot(w1)))
        y_pred = h.dot(w2)
        loss = np.square(y_pred - y).sum()
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h.T.dot(grad_y_pred)
        grad_h = grad_y_pred.dot(w2.T)
        grad_w1 = x.T.dot(grad_h * h * (1 - h))
        np.testing.assert_allclose(network.run(x=x, y=y, W1=w1.T, W2=w2.T), loss)
        np.testing.assert_allclose(network.gradients()["W1"].T, grad_w1)
        np.testing.assert_allclose(network.gradients()["W2"].T, grad_w2)
        w1 -= 1e-4 * grad_w1
        w2 -= 1e-4 * grad_w2


def test_batch_norm_with_gamma_sigma_and_beta_mu_is_the_identity():  # D3
    x, epsilon = 5 + 3 * normal(20, 4), 1e-5
    y = BatchNormalisation(epsilon).forward(x, np.sqrt(x.var(axis=0) + epsilon), x.mean(axis=0))
    np.testing.assert_allclose(y, x)


def test_in_a_test_batch_norm_is_fused_with_the_convolution_before_it():  # D3
    H, A, b, gamma, beta = normal(2, 3, 6, 6), normal(4, 3, 3, 3), normal(4), normal(4, seed=1), normal(4, seed=2)
    norm = BatchNormalisation(mean=normal(4, seed=3), variance=1 + normal(4) ** 2)
    norm.training = False
    slope = gamma / np.sqrt(norm.variance + norm.epsilon)
    fused = Convolution().forward(H, A * slope[:, None, None, None], (b - norm.mean) * slope + beta)
    np.testing.assert_allclose(norm.forward(Convolution().forward(H, A, b), gamma, beta), fused)
