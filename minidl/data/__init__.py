"""Data: datasets, samplers, and the loader that makes batches of them. Also reachable as `minidl.utils.data`."""

from . import clean as clean
from .collate import default_collate as default_collate
from .collate import default_convert as default_convert
from .dataset import ChainDataset as ChainDataset
from .dataset import ConcatDataset as ConcatDataset
from .dataset import Dataset as Dataset
from .dataset import IterableDataset as IterableDataset
from .dataset import StackDataset as StackDataset
from .dataset import Subset as Subset
from .dataset import TensorDataset as TensorDataset
from .dataset import random_split as random_split
from .loader import DataLoader as DataLoader
from .normalise import MinMaxScaler as MinMaxScaler
from .normalise import Standardizer as Standardizer
from .sampler import BatchSampler as BatchSampler
from .sampler import RandomSampler as RandomSampler
from .sampler import Sampler as Sampler
from .sampler import SequentialSampler as SequentialSampler
from .sampler import StratifiedSampler as StratifiedSampler
from .sampler import SubsetRandomSampler as SubsetRandomSampler
from .sampler import WeightedRandomSampler as WeightedRandomSampler
from .splits import group_k_fold as group_k_fold
from .splits import k_fold as k_fold
from .splits import split as split
from .splits import stratified_k_fold as stratified_k_fold
from .worker import get_worker_info as get_worker_info
