import numpy as np
import pytest

from metagenx.physics import coordinates, zeeman
from metagenx.physics.potentials import BOHR_MAGNETON_LENGTH


def test_a_flipped_spin_gains_or_loses_the_energy_of_the_field():
    # Out: (k_in + k_out)² where k_out² = k_in² ± 2·(2π·ρ·2)/2 … so that Q'·(Q' − Q) = ±8πρ.
    q = np.array([0.0, 0.005, 0.02, 0.3])
    rho = zeeman.FIELD_STRENGTH * 1.5
    up = zeeman.split_q(q, 1.5, 1)
    np.testing.assert_allclose(up * (up - q), 8 * np.pi * rho, rtol=1e-9)
    down = zeeman.split_q(q, 1.5, -1)
    real = q**2 / 4 > 8 * np.pi * rho
    np.testing.assert_allclose(down[real] * (q - down)[real], 8 * np.pi * rho, rtol=1e-9)
    np.testing.assert_array_equal(down[~real], q[~real] / 2)
    np.testing.assert_array_equal(zeeman.split_q(q, np.array([[0.0], [1.5]]), 1), [q, up])


def test_q_of_either_sign():
    x = np.array([-2.0, -0.1, 0.3, 5.0])
    q = zeeman.q_from_two_theta(x, 4.4, 0.2)
    np.testing.assert_allclose(q, 4 * np.pi / 4.4 * np.sin(np.radians(x + 0.2) / 2), rtol=1e-13)
    np.testing.assert_allclose(coordinates.clip(q), coordinates.q_from_two_theta(x, 4.4, 0.2), rtol=1e-13)
    x = np.array([-0.02, -0.001, 0.03, 0.5])
    for offset in (0.0, 0.2, np.array([[0.0], [0.3]])):
        q = zeeman.q_from_q(x, 4.4, offset)
        np.testing.assert_allclose(coordinates.clip(q), coordinates.q_from_q(x, 4.4, offset), rtol=1e-12)
        angle = np.arcsin(4.4 * x / (4 * np.pi)) + np.radians(offset) / 2
        np.testing.assert_allclose(q, 4 * np.pi / 4.4 * np.sin(angle), rtol=1e-12, atol=1e-17)


def test_potentials_in_a_field():
    density, b = np.array([[0.05, 0.085, 0.0]]), np.array([[4.15 - 0.1j, 9.45, 0.0]])
    cross_section, moment, angle = (
        np.array([[0.2, 2.5, 0.0]]),
        np.array([[0.0, 2.2, 0.0]]),
        np.array([[0.0, 70.0, 0.0]]),
    )
    plus, minus, turned = zeeman.potentials(density, b, cross_section, moment, angle, 4.4, 0.7)
    rho = 0.7 * zeeman.FIELD_STRENGTH
    s = density * (b * 1e-5 - 1j * cross_section * 1e-8 / 8.8)
    magnetisation = BOHR_MAGNETON_LENGTH * moment * density
    x, y = magnetisation * np.cos(np.radians(angle)) + rho, magnetisation * np.sin(np.radians(angle))
    m = np.hypot(x, y) - rho
    np.testing.assert_allclose(plus, 2 * np.pi * (s + m) * (2 + s + m), rtol=1e-9, atol=1e-20)
    np.testing.assert_allclose(minus, 2 * np.pi * (s - m) * (2 + s - m), rtol=1e-9, atol=1e-20)
    np.testing.assert_allclose(turned, np.degrees(np.arctan2(y, x)), rtol=1e-12)
    assert plus[0, -1] == minus[0, -1] == 0
    of_three = zeeman.potentials(density, b, cross_section, moment, angle, 4.4, np.array([[0.1], [0.7], [1.0]]))
    for one, three in zip((plus, minus, turned), of_three, strict=True):
        np.testing.assert_array_equal(three[1], one[0])
    with pytest.raises(ValueError, match="populations of different sizes"):
        zeeman.potentials(density, b, cross_section, np.ones((2, 3)), angle, 4.4, np.ones((3, 1)))
