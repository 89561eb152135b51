import numpy as np

from metagenx.physics import profile


def test_a_sharp_film_is_a_box():
    positions, roughness = profile.interfaces(np.array([0.0, 100.0, 0.0]), np.zeros(3))
    z = np.array([-10.0, -0.001, 0.001, 50.0, 99.999, 100.001, 200.0])
    values = profile.profile(z, np.array([2.0, 5.0, 0.5]), positions, roughness)
    np.testing.assert_allclose(values, [2, 2, 5, 5, 5, 0.5, 0.5])


def test_half_way_at_an_interface_and_the_integral_is_conserved():
    positions, roughness = profile.interfaces(np.array([0.0, 200.0, 0.0]), np.array([5.0, 8.0, 0.0]))
    np.testing.assert_array_equal(positions, [0, 200])
    at = profile.profile(positions, np.array([2.0, 6.0, 0.0]), positions, roughness)
    np.testing.assert_allclose(at, [4.0, 3.0])
    z = np.linspace(-100, 300, 40001)
    smooth = profile.profile(z, np.array([0.0, 6.0 + 1j, 0.0]), positions, roughness)
    np.testing.assert_allclose(np.trapezoid(smooth, z), 200 * (6 + 1j), rtol=1e-6)


def test_default_depths_show_five_sigma():
    positions, roughness = profile.interfaces(np.array([0.0, 20.0, 0.0]), np.array([2.0, 4.0, 0.0]))
    z = profile.default_depths(positions, roughness)
    assert abs(z[0] + 10.0000005) < 1e-12
    assert z[-1] <= 40.0000005 < z[-1] + 0.5
    np.testing.assert_allclose(np.diff(z), 0.5)
