"""Models with Hugging Face's names and files, from minidl's own layers: BERT, DistilBERT, GPT-2, the ViT."""

from .bert import BertConfig as BertConfig
from .bert import BertForMaskedLM as BertForMaskedLM
from .bert import BertForQuestionAnswering as BertForQuestionAnswering
from .bert import BertForSequenceClassification as BertForSequenceClassification
from .bert import BertModel as BertModel
