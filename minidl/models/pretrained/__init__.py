"""Models with Hugging Face's names and files, from minidl's own layers: BERT, DistilBERT, GPT-2, the ViT."""

from .auto import AutoConfig as AutoConfig
from .auto import AutoModel as AutoModel
from .auto import AutoModelForCausalLM as AutoModelForCausalLM
from .auto import AutoModelForImageClassification as AutoModelForImageClassification
from .auto import AutoModelForMaskedLM as AutoModelForMaskedLM
from .auto import AutoModelForQuestionAnswering as AutoModelForQuestionAnswering
from .auto import AutoModelForSequenceClassification as AutoModelForSequenceClassification
from .auto import AutoTokenizer as AutoTokenizer
from .bert import BertConfig as BertConfig
from .bert import BertModel as BertModel
from .bert_heads import BertForMaskedLM as BertForMaskedLM
from .bert_heads import BertForQuestionAnswering as BertForQuestionAnswering
from .bert_heads import BertForSequenceClassification as BertForSequenceClassification
from .bytepairs import GPT2Tokenizer as GPT2Tokenizer
from .distilbert import DistilBertConfig as DistilBertConfig
from .distilbert import DistilBertForSequenceClassification as DistilBertForSequenceClassification
from .distilbert import DistilBertModel as DistilBertModel
from .gpt2 import GPT2Config as GPT2Config
from .gpt2 import GPT2LMHeadModel as GPT2LMHeadModel
from .gpt2 import GPT2Model as GPT2Model
from .vit import ViTConfig as ViTConfig
from .vit import ViTForImageClassification as ViTForImageClassification
from .vit import ViTModel as ViTModel
from .wordpiece import BertTokenizer as BertTokenizer
from .wordpiece import DistilBertTokenizer as DistilBertTokenizer
