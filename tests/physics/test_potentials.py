import numpy as np

from metagenx.physics import potentials

DENSITY = np.array([[0.05, 0.085, 0.01]])
F = np.array([[14 - 0.3j, 26 - 3j, 2 - 0.01j]])


def test_potential_is_the_difference_of_squared_indices():
    strength = potentials.neutron_strength(DENSITY, F)
    absorption = potentials.absorption_strength(DENSITY, np.array([[3.0, 2000.0, 0.0]]))
    potential, ambient = potentials.potential(strength, absorption, None, 4.4)
    s = DENSITY * (F * 1e-5 * 4.4**2 / (2 * np.pi) - 1j * np.array([[3.0, 2000.0, 0]]) * 1e-8 * 4.4 / (4 * np.pi))
    n = 1 - s
    np.testing.assert_allclose(potential, (n**2 - n[:, -1:] ** 2) * (4 * np.pi / 4.4) ** 2, rtol=1e-9)
    np.testing.assert_allclose(ambient, n[:, -1] ** 2, rtol=1e-15)
    assert potential[0, -1] == 0


def test_potential_of_a_population_gives_the_numbers_of_its_members():
    wavelengths = np.linspace(1, 6, 5)[:, None]
    strength = potentials.xray_strength(DENSITY * wavelengths, F)
    together, ambient = potentials.potential(strength, None, None, wavelengths)
    for m in range(5):
        alone, its = potentials.potential(strength[m : m + 1], None, None, float(wavelengths[m, 0]))
        np.testing.assert_array_equal(together[m], alone[0])
        assert ambient[m] == its[0]


def test_spin_flip_potentials_keep_the_plus_sign_of_genx():
    strength = potentials.neutron_strength(DENSITY, F)
    u = potentials.decrement(strength, np.zeros((1, 3)), 4.4)
    m = potentials.magnetic_strength(DENSITY, np.array([[0.0, 2.0, 0.0]])) * 4.4**2
    plus, minus = potentials.spin_flip_potentials(u, m, 4.4)
    s = (u - u[:, -1:]) + (m - m[:, -1:])
    np.testing.assert_allclose(plus, (2 * np.pi / 4.4) ** 2 * s * (2 + s), rtol=1e-12)
    s = (u - u[:, -1:]) - (m - m[:, -1:])
    np.testing.assert_allclose(minus, (2 * np.pi / 4.4) ** 2 * s * (2 + s), rtol=1e-12)


def test_the_magnetic_length_of_a_bohr_magneton():
    assert abs(potentials.BOHR_MAGNETON_LENGTH - 2.64587e-5) < 1e-10
