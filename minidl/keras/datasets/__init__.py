"""Data sets of pictures as NumPy arrays: (x_train, y_train), (x_test, y_test) = mnist.load_data().

They are minidl.vision's, looked for and downloaded where it does; numbers of 0 … 255, channels last."""

from . import cifar10 as cifar10
from . import cifar100 as cifar100
from . import fashion_mnist as fashion_mnist
from . import mnist as mnist
